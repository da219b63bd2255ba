"""Who is calling: from a call's context to the gateway record that it is served as."""

from collections.abc import Callable
from enum import Enum
from typing import Any

import grpc

from ocs.ports import Gateway

Context = grpc.aio.ServicerContext[Any, Any]


class Denial(Enum):
    """Why a caller is not served. Value: (status code, text for the client)."""

    UNKNOWN_PEER = (grpc.StatusCode.UNAUTHENTICATED, "this peer is not a known client: it showed no API key")
    BAD_KEY = (grpc.StatusCode.UNAUTHENTICATED, "the API key is unknown, expired or revoked")
    ROLE_MISSING = (grpc.StatusCode.PERMISSION_DENIED, "this client's roles do not allow the method")
    NO_GATEWAY = (grpc.StatusCode.PERMISSION_DENIED, "this client acts for no gateway, so it cannot charge")

    def __init__(self, code: grpc.StatusCode, text: str) -> None:
        self.code = code
        self.text = text


GatewayFor = Callable[[Context], Gateway | Denial | None]
"The gateway of a call's peer, or why there is none; None: `UNKNOWN_PEER`. Asked per call and stream message."

_LOOPBACK = ("ipv4:127.", "ipv6:[::1]:", "ipv6:%5B::1%5D:", "unix:")


def is_loopback(peer: str) -> bool:
    """Whether a gRPC peer text such as ``ipv4:127.0.0.1:4711`` is of this machine."""
    return peer.startswith(_LOOPBACK)


def loopback_gateway(gateway: Gateway) -> GatewayFor:
    """Serve peers of this machine as `gateway` and nobody else: what a server without keys may do."""

    def gateway_for(context: Context) -> Gateway | Denial | None:
        return gateway if is_loopback(context.peer()) else None

    return gateway_for
