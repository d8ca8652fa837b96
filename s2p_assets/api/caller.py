"""Who asks, and what they may: every route names the role that it needs.

How they are recognized is in `gate.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from fastapi import Depends, Request

from s2p_assets.api.problems import Problem
from s2p_assets.services.askers import Asker
from s2p_assets.warehouse.access.users import ROLES, Role


@dataclass(frozen=True, slots=True)
class Caller:
    """A person or a program. `workbooks`: the only kinds that a token may touch, None for all.

    `restricted`: thing → the groups that may see it, as it stands now.
    """

    name: str
    role: Role
    kind: Literal["user", "token", "open"]
    groups: frozenset[str] = frozenset()
    workbooks: frozenset[str] | None = None
    restricted: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def may(self, role: Role) -> bool:
        """Whether this caller has the role, or a greater one."""
        return ROLES.index(self.role) >= ROLES.index(role)

    def sees(self, thing: str) -> bool:
        """Whether a table or report is for this caller."""
        if self.workbooks is not None and thing not in self.workbooks:
            return False
        allowed = self.restricted.get(thing)
        return allowed is None or self.role == "engineer" or bool(allowed & self.groups)

    def require(self, role: Role) -> None:
        """Raises Problem 403 for a caller with a lesser role."""
        if not self.may(role):
            raise Problem(403, "not allowed", f"this needs the role {role}; {self.name} is {self.role}")


def caller_of(request: Request) -> Caller:
    """Who sent a request that the guard let through."""
    return request.scope["s2p.caller"]


def needs(role: Role) -> dict[str, Any]:
    """What a route is declared with, so that it answers this role and greater ones alone, and says so."""

    async def check(request: Request) -> None:  # a plain function would wait for a thread
        caller_of(request).require(role)

    return {"dependencies": [Depends(check)], "openapi_extra": {"x-s2p-role": role}}


def asker_of(caller: Caller) -> Asker:
    """Who asks to be told: a person at their own address; a program, or anybody without a login, names one."""
    address = caller.name if caller.kind == "user" else None
    return Asker(caller.name, address, caller.may("engineer"), caller.sees)
