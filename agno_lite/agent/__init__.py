"""Agents: a model with instructions, tools, sessions and memories."""

from agno_lite.agent.agent import Agent

__all__ = ["Agent"]
