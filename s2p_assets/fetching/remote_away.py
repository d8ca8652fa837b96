"""Why a server cannot be used, in one line made of what kind of fault it is.

Libraries' own messages are not passed on, as they may hold an address with a token in it.
"""

import asyncio
import errno
import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from s2p_assets.contracts.errors import MendableError
from s2p_assets.fetching.remote_files import RemoteAway, RemoteRefused

ONE_FILE = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError, FileExistsError)
_BY_NAME = {
    "PermissionDenied": "it does not accept user, password or key; see the file S2P_REMOTES",
    "HostKeyNotVerifiable": "its key is not among the known hosts; compare it, then ssh-keyscan it into known_hosts",
    "KeyImportError": "the key_file is no private key, or its password is another",
    "NoCredentialsError": "nothing is known to log in with; see the file S2P_REMOTES",
    "EndpointConnectionError": "it cannot be reached",
    "ConnectError": "it cannot be reached",
    "ClientConnectorError": "it cannot be reached",
    "ConnectTimeout": "it did not answer in time",
    "ReadTimeout": "it did not answer in time",
    "ServerTimeoutError": "it did not answer in time",
    "FSTimeoutError": "it did not answer in time",
    "ClientPayloadError": "its answer was cut short",
    "RemoteProtocolError": "its answer was cut short",
    "ConnectionLost": "the connection was lost",
    "DisconnectError": "it hung up",
    "ParseError": "its answer is no listing",
    "SFTPPermissionDenied": "it may not be read or written",
    "ClientConnectorCertificateError": "its certificate is not trusted; see ca_file in the file S2P_REMOTES",
    "ClientConnectorSSLError": "it speaks no TLS there",
}
_BY_STATUS = {401: "it does not accept user, password or token; see the file S2P_REMOTES", 404: "it is not there"}


@contextmanager
def told(place: str) -> Iterator[None]:
    """What a library raises inside as RemoteRefused, for one file or folder, or RemoteAway for the whole."""
    try:
        yield
    except MendableError:
        raise
    except ONE_FILE as error:
        if any(isinstance(one, MendableError) or _status(one) not in (None, 404) for one in _causes(error)):
            raise _judged(place, error) from None
        raise RemoteRefused(_words(error)) from None
    except (GeneratorExit, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        if isinstance(error, asyncio.CancelledError):
            raise
        raise _judged(place, error) from None


def _judged(place: str, error: BaseException) -> MendableError:
    for cause in _causes(error):
        if isinstance(cause, MendableError):
            return cause
    status = next((code for cause in _causes(error) if (code := _status(cause))), None)
    said = next((_BY_NAME[name] for cause in _causes(error) if (name := type(cause).__name__) in _BY_NAME), None)
    if said is None and any(_is_no_answer(cause) for cause in _causes(error)):
        return RemoteAway(f"{place}: its answer cannot be used, it is not as HTTP wants it")
    if status in (403, 404, 405, 409, 423, 507):
        return RemoteRefused(_BY_STATUS.get(status, f"its server answers {status}"))
    if status:
        return RemoteAway(f"{place}: {_BY_STATUS.get(status, f'it answers {status}')}")
    return RemoteAway(f"{place}: {said or _words(next(_causes(error)))}")


def _is_no_answer(error: BaseException) -> bool:
    """What is no HTTP at all, or longer than it says: aiohttp tells of it as if the server had answered 400."""
    return any(kind.__name__ == "HttpProcessingError" for kind in type(error).__mro__)


def _status(error: BaseException) -> int | None:
    answer = getattr(error, "response", None)
    found = (
        getattr(error, "status_code", None) or getattr(error, "status", None) or getattr(answer, "status_code", None)
    )
    return found if isinstance(found, int) and 300 <= found < 600 else None


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    for _ in range(6):
        if seen is None:
            return
        yield seen
        seen = seen.__cause__ or seen.__context__


def _words(error: BaseException) -> str:
    if isinstance(error, FileNotFoundError):
        return "it is not there"
    if isinstance(error, PermissionError):
        return "it may not be read or written"
    if isinstance(error, socket.gaierror):
        return "no computer has this name"
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    if isinstance(error, ssl.SSLCertVerificationError):
        return "its certificate is not trusted; see ca_file in the file S2P_REMOTES"
    if isinstance(error, OSError) and error.errno in errno.errorcode:
        return os.strerror(error.errno or 0)
    return f"it cannot be used ({type(error).__name__})"
