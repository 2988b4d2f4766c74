"""Tools: functions that a model may call."""

from agno_lite.tools.function import Function, FunctionCall

__all__ = ["Function", "FunctionCall"]
