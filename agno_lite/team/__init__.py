"""Teams: agents whose leader hands tasks to members."""

from agno_lite.team.team import Team

__all__ = ["Team"]
