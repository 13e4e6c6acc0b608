"""The embedded engine: OpenVINO GenAI in this process."""
