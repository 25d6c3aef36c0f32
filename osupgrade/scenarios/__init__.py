"""The contract for traps, and what their authors may use."""
