"""The offline model: deterministic, rule-based, and it says so.

It speaks OpenAI's Chat Completions, as a transport under the real `openai` client (`OfflineTransport`) and as
an HTTP server (`serve`). It knows nothing of the world. It follows rules: it extracts facts for memory tools,
fills in the arguments of other tools, and answers from the history and the memories in the request. Its
token counts are estimates: a quarter of the UTF-8 bytes, rounded up.
"""

from __future__ import annotations

from agno_lite.models.offline.model import Fault, OfflineModel, Reply
from agno_lite.models.offline.transport import OfflineTransport

__all__ = ["Fault", "OfflineModel", "OfflineTransport", "Reply"]
