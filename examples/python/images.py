#!/usr/bin/env python3
"""Images by vectors: what is stored is where they are and what they look like. Needs chroma-cpp and
numpy."""
import numpy as np

import chroma_cpp


def picture(hue, seed):
    """A noisy picture of one colour, 16 by 16."""
    noise = np.random.default_rng(seed).normal(0, 20, (16, 16, 3))
    return np.clip(np.array(hue) + noise, 0, 255)


def look(image):
    """In place of a model: how much there is of which brightness, in each channel."""
    return np.concatenate([np.histogram(image[:, :, channel], bins=16, range=(0, 256))[0]
                           for channel in range(3)]).astype(np.float32)


COLOURS = {"red": (220, 30, 30), "green": (30, 200, 40), "blue": (20, 40, 210)}
images = {f"{name}-{i}": picture(hue, i) for name, hue in COLOURS.items() for i in range(20)}

collection = chroma_cpp.EphemeralClient().create_collection("images", embedding_function=None)
collection.add(ids=list(images), embeddings=np.stack([look(image) for image in images.values()]),
               uris=[f"file:///pictures/{name}.png" for name in images],
               metadatas=[{"colour": name.split("-")[0]} for name in images])

like = collection.query(query_embeddings=look(picture((25, 45, 200), 99)), n_results=5,
                        include=["uris", "metadatas", "distances"])
for uri, distance in zip(like["uris"][0], like["distances"][0]):
    print(f"{distance:8.0f}  {uri}")
assert {metadata["colour"] for metadata in like["metadatas"][0]} == {"blue"}
