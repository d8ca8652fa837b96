"""What becomes of an attempt to deliver a message, where it was not delivered.

When it is tried again is decided in `delivery.py`.
"""


class NotDelivered(Exception):
    """A message could not be delivered; in one line why.

    `for_good`: the recipient does not exist or is not wanted. `in_doubt`: it may have arrived all the same.
    `is_down`: no other message can go this way now. `without_attachments`: it may go without them.
    """

    def __init__(
        self,
        why: str,
        *,
        for_good: bool = False,
        in_doubt: bool = False,
        is_down: bool = False,
        without_attachments: bool = False,
    ) -> None:
        super().__init__(why)
        self.for_good, self.in_doubt, self.is_down = for_good, in_doubt, is_down
        self.without_attachments = without_attachments
