"""Letters to Slack, Teams, PagerDuty and whatever else apprise knows, by an address each.

Which services there are stands in the address book; mail is in `smtp.py`.
"""

import logging

from s2p_assets.messaging.letters import Letter
from s2p_assets.messaging.outcomes import NotDelivered

LONGEST_BODY = 3_000


def send_to_service(name: str, address: str, letter: Letter) -> None:
    """Send a letter's text to a service; its address may hold a secret and is told to nobody. Raises NotDelivered.

    What a service answers is not always known: where its answer is lost, a message may be there twice.
    """
    import apprise

    logging.getLogger("apprise").setLevel(logging.CRITICAL)  # it would write addresses, with what is secret in them
    service = apprise.Apprise()
    if not service.add(address):
        raise NotDelivered(f"the address of the service {name} is none that apprise knows", is_down=True)
    body = letter.text if len(letter.text) <= LONGEST_BODY else f"{letter.text[: LONGEST_BODY - 1]}…"
    if not service.notify(title=letter.subject, body=body, body_format=apprise.NotifyFormat.TEXT):
        raise NotDelivered(f"the service {name} could not be reached, or refused the message")
