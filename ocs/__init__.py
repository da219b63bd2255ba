"""Online charging system: OCF, RF and ABMF of 3GPP TS 32.296 behind RADIUS and gRPC."""
