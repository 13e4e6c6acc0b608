"""The ensemble as a service, and its clients.

from el4ner.serve import Client

with Client("http://127.0.0.1:8000") as ner:
    for annotation in ner.annotate(open("texts.txt")):
        ...
"""

from el4ner.serve.async_client import AsyncClient as AsyncClient
from el4ner.serve.client import Client as Client

__all__ = ["AsyncClient", "Client"]
