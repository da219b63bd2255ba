"""``ocs serve``: the server."""

from typing import TYPE_CHECKING

import typer

from ocs.cli.books import read_settings
from ocs.cli.console import say

if TYPE_CHECKING:
    from ocs.bootstrap import Server


def serve(context: typer.Context) -> None:
    """Serve RADIUS and gRPC until SIGTERM or Ctrl-C; what is under way is finished and answered first."""
    from ocs.bootstrap import run_server

    settings = read_settings(context)
    auth_count = len(settings.radius.listen_auth)
    tcp_count = len(settings.radius.listen_tcp)

    def say_ready(server: "Server") -> None:
        """Tell people and whoever started us where we listen, with true ports where 0 was asked for."""
        radius = [f"{host}:{port}" for host, port in server.radius.addresses] if server.radius else []
        streams = [f"{host}:{port}" for host, port in server.radius.stream_addresses] if server.radius else []
        grpc = server.grpc.addresses if server.grpc else ()
        if streams[:tcp_count]:
            say(f"ready: RADIUS over TCP on {', '.join(streams[:tcp_count])}")
        if streams[tcp_count:]:
            say(f"ready: RADIUS over TLS on {', '.join(streams[tcp_count:])}")
        for name, addresses in (
            ("RADIUS authentication", radius[:auth_count]),
            ("RADIUS accounting", radius[auth_count:]),
            ("gRPC", grpc),
        ):
            say(f"ready: {name} on {', '.join(addresses) or 'no address'}")

    raise typer.Exit(run_server(settings, say_ready))
