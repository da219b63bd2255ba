"""The gRPC front end: `proto/*.proto` served with grpc.aio, above `ocs.charging`.

Never run a file of this package as a script: with `ocs/` on `sys.path` it would shadow the `grpc` library.
"""
