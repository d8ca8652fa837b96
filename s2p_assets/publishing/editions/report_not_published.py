"""The error of an edition that cannot be published. When that is so is said where it is raised."""

from s2p_assets.contracts.errors import MendableError


class ReportNotPublished(MendableError, OSError):
    """The share would not take a report's file, or its headline numbers cannot be right; one line with what to do."""
