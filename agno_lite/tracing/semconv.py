"""Names of span kinds and attributes.

Strings, not imports: OpenTelemetry's package takes longer to load than the runtime. A test compares
them with `opentelemetry.semconv`. What the conventions have no name for begins with `agno_lite.`.
"""

from __future__ import annotations

# Operations (`gen_ai.operation.name`)
INVOKE_AGENT = "invoke_agent"
CHAT = "chat"
EXECUTE_TOOL = "execute_tool"
TURN = "agno_lite.turn"
"""What runs at the same time within a run: the answer, and the memory update beside it."""
ANSWER = "agno_lite.answer"
"""Model requests and tool calls, until the model has answered."""
TOOL_CALLS = "agno_lite.tool_calls"
"""The tool calls of one model response, at the same time."""
UPDATE_MEMORY = "agno_lite.update_memory"
"""A memory manager reads what a user said and changes that user's memories."""
BUILD_PROMPT = "agno_lite.build_prompt"
"""The system message is put together from its sections."""
GATHER = "agno_lite.gather"
"""Coroutines that a script runs at the same time: `asyncio.gather` and the like. Only a recorder opens it."""
BRANCH = "agno_lite.branch"
"""One of them."""
DATABASE = "db"
"""One call of the storage interface."""

# Attributes of the conventions
OPERATION_NAME = "gen_ai.operation.name"
PROVIDER_NAME = "gen_ai.provider.name"
AGENT_ID = "gen_ai.agent.id"
AGENT_NAME = "gen_ai.agent.name"
CONVERSATION_ID = "gen_ai.conversation.id"
REQUEST_MODEL = "gen_ai.request.model"
RESPONSE_FINISH_REASONS = "gen_ai.response.finish_reasons"
USAGE_INPUT_TOKENS = "gen_ai.usage.input_tokens"
USAGE_OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
TOOL_NAME = "gen_ai.tool.name"
TOOL_CALL_ID = "gen_ai.tool.call.id"
TOOL_CALL_ARGUMENTS = "gen_ai.tool.call.arguments"
TOOL_CALL_RESULT = "gen_ai.tool.call.result"
USER_ID = "user.id"
CODE_FILE_PATH = "code.file.path"
CODE_FUNCTION_NAME = "code.function.name"
DB_SYSTEM_NAME = "db.system.name"
DB_OPERATION_NAME = "db.operation.name"
DB_COLLECTION_NAME = "db.collection.name"

# Attributes of ours
RUN_ID = "agno_lite.run.id"
PROMPT_SECTIONS = "agno_lite.prompt.sections"
"""Rows of the system message: `[{"number", "part", "parameter", "text", "active"}, …]`."""
MEMORIES_CHANGED = "agno_lite.memory.changes"
"""What a memory update did: `[{"operation", "memory"}, …]`."""
OFFLINE = "agno_lite.model.offline"
"""Whether the built-in rule-based model answered."""
