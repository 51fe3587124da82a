#!/usr/bin/env python3
"""Retrieval for a language model with LlamaIndex, offline. Needs chroma-cpp and
llama-index-vector-stores-chroma."""
import hashlib

import numpy as np
from llama_index.core import StorageContext, VectorStoreIndex
from llama_index.core.embeddings import BaseEmbedding
from llama_index.core.schema import TextNode
from llama_index.vector_stores.chroma import ChromaVectorStore

import chroma_cpp


class Words(BaseEmbedding):
    """In place of a model: every word has a random direction of its own."""

    def _get_text_embedding(self, text):
        vector = np.zeros(64)
        for word in text.lower().split():
            seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big")
            vector += np.random.default_rng(seed).standard_normal(64)
        return vector.tolist()

    def _get_query_embedding(self, query):
        return self._get_text_embedding(query)

    async def _aget_query_embedding(self, query):
        return self._get_text_embedding(query)


collection = chroma_cpp.EphemeralClient().create_collection("facts", embedding_function=None)
storage = StorageContext.from_defaults(
    vector_store=ChromaVectorStore(chroma_collection=collection))
index = VectorStoreIndex(
    [TextNode(text="the lighthouse was built in 1871"),
     TextNode(text="the harbour freezes in january"),
     TextNode(text="ferries leave every hour")],
    storage_context=storage, embed_model=Words())

found = index.as_retriever(similarity_top_k=1).retrieve("when was the lighthouse built")
print(found[0].score, found[0].node.get_content())
assert "1871" in found[0].node.get_content()
