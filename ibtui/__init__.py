"""What people see: commands, charts and the app around the engine."""
