#!/usr/bin/env python3
"""Retrieval for a language model with LangChain, offline. Needs chroma-cpp and langchain-chroma."""
import hashlib

import numpy as np
from langchain_chroma import Chroma
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings

import chroma_cpp


class Words(Embeddings):
    """In place of a model: every word has a random direction of its own."""

    def embed_query(self, text):
        vector = np.zeros(64)
        for word in text.lower().split():
            seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big")
            vector += np.random.default_rng(seed).standard_normal(64)
        return vector.tolist()

    def embed_documents(self, texts):
        return [self.embed_query(text) for text in texts]


store = Chroma(client=chroma_cpp.EphemeralClient(), collection_name="facts",
               embedding_function=Words())
store.add_documents([
    Document(page_content="the lighthouse was built in 1871", metadata={"source": "history"}),
    Document(page_content="the harbour freezes in january", metadata={"source": "climate"}),
    Document(page_content="ferries leave every hour", metadata={"source": "timetable"})])

question = "when was the lighthouse built"
context = store.as_retriever(search_kwargs={"k": 1}).invoke(question)
prompt = f"Answer from this alone: {context[0].page_content}\nQuestion: {question}"
print(prompt)
assert context[0].metadata == {"source": "history"}
