"""Faults of s2p's own beside which the work goes on: told to the engineers in the log, to a person in one plain line.

What a person can mend is no such fault; `errors.py` knows those.
"""

import logging

from s2p_assets.services.logs import log_event

SAID = "this cannot be shown, by a fault of s2p's own that its log tells the engineers; your file is as it was"


def tell_own_fault(doing: str, fault: BaseException) -> str:
    """Write it to the log; the line for the person whose work it hindered."""
    log_event("own_fault", f"{doing}: {fault}", level=logging.ERROR, fault=type(fault).__name__)
    return SAID
