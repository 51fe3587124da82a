"""LangChain and LlamaIndex over the engine, offline."""
import hashlib

import numpy as np
import pytest

import chroma_cpp


def embed(text):
    """A vector for a text, without a model: every word has a direction of its own."""
    vector = np.zeros(64)
    for word in text.lower().split():
        seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big")
        vector += np.random.default_rng(seed).standard_normal(64)
    return (vector / (np.linalg.norm(vector) or 1)).tolist()


TEXTS = ["rivers carry water to the sea", "stars burn in the sky", "bread is made of flour"]


def test_langchain(tmp_path):
    langchain_chroma = pytest.importorskip("langchain_chroma")
    from langchain_core.documents import Document
    from langchain_core.embeddings import Embeddings

    class Words(Embeddings):
        def embed_documents(self, texts):
            return [embed(text) for text in texts]

        def embed_query(self, text):
            return embed(text)

    client = chroma_cpp.PersistentClient(tmp_path / "db")
    store = langchain_chroma.Chroma(client=client, collection_name="facts",
                                    embedding_function=Words())
    store.add_documents([Document(page_content=text, metadata={"n": i})
                         for i, text in enumerate(TEXTS)], ids=["0", "1", "2"])
    found = store.similarity_search("water of the sea", k=1)
    assert (found[0].page_content, found[0].metadata) == (TEXTS[0], {"n": 0})
    scored = store.similarity_search_with_score("flour", k=1, filter={"n": {"$gte": 1}})
    assert scored[0][0].page_content == TEXTS[2]
    relevant = store.max_marginal_relevance_search("stars in the sky", k=2, fetch_k=3)
    assert relevant[0].page_content == TEXTS[1]
    retriever = store.as_retriever(search_kwargs={"k": 1})
    assert retriever.invoke("bread")[0].page_content == TEXTS[2]
    store.update_document("1", Document(page_content="the moon is cold", metadata={"n": 9}))
    assert store.get(ids=["1"])["documents"] == ["the moon is cold"]
    store.delete(ids=["1"])
    assert sorted(store.get()["ids"]) == ["0", "2"]
    store.delete_collection()
    client.close()


def test_llama_index(tmp_path):
    pytest.importorskip("llama_index.vector_stores.chroma")
    from llama_index.core import StorageContext, VectorStoreIndex
    from llama_index.core.embeddings import BaseEmbedding
    from llama_index.core.schema import TextNode
    from llama_index.core.vector_stores import MetadataFilter, MetadataFilters
    from llama_index.vector_stores.chroma import ChromaVectorStore

    class Words(BaseEmbedding):
        def _get_text_embedding(self, text):
            return embed(text)

        def _get_query_embedding(self, query):
            return embed(query)

        async def _aget_query_embedding(self, query):
            return embed(query)

    client = chroma_cpp.PersistentClient(tmp_path / "db")
    collection = client.create_collection("facts", embedding_function=None)
    store = ChromaVectorStore(chroma_collection=collection)
    nodes = [TextNode(text=text, id_=str(i), metadata={"n": i}) for i, text in enumerate(TEXTS)]
    # The metadata, which it embeds with the text otherwise, has no directions of its own.
    for node in nodes:
        node.excluded_embed_metadata_keys = ["n"]
    index = VectorStoreIndex(nodes, embed_model=Words(),
                             storage_context=StorageContext.from_defaults(vector_store=store))
    found = index.as_retriever(similarity_top_k=1).retrieve("water of the sea")
    assert found[0].node.get_content() == TEXTS[0]
    some = MetadataFilters(filters=[MetadataFilter(key="n", value=2)])
    found = index.as_retriever(similarity_top_k=3, filters=some).retrieve("stars")
    assert [one.node.get_content() for one in found] == [TEXTS[2]]
    assert collection.count() == 3
    store.delete_nodes(["0"])
    assert collection.count() == 2
    client.close()
