"""Stubs generated from `proto/`: never edited by hand, see `ocs.grpc.stubs`."""
