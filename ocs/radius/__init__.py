"""RADIUS front end: packets (codec), duties towards clients (endpoint), gateway families (dialect), UDP."""
