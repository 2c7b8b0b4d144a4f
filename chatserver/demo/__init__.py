"""The demo: jobs, resumes and conversations of our own writing, loaded on the way that real ones go."""

from chatserver.demo.load import DemoRefused, DemoUsers, load_demo

__all__ = ["DemoRefused", "DemoUsers", "load_demo"]
