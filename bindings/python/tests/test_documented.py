"""What an editor and help() show of the package: stubs that are true, and a text for each method."""
import ast
import inspect
import pathlib

import pytest

import chroma_cpp

PACKAGE = pathlib.Path(chroma_cpp.__file__).parent


def public(names):
    return {name for name in names if not name.startswith("_")}


def stub_classes(name):
    tree = ast.parse((PACKAGE / name).read_text("utf-8"))
    return {node.name: {member.name: member for member in node.body
                        if isinstance(member, ast.FunctionDef)}
            for node in tree.body if isinstance(node, ast.ClassDef)}


def own_methods(cls):
    """Those that the package adds to chromadb's class, or has in place of them."""
    return {name: member for base in cls.__mro__ if base.__module__.startswith("chroma_cpp")
            for name, member in vars(base).items()
            if not name.startswith("_") and inspect.isfunction(member)}


def test_what_is_beyond_chromadb_has_stubs():
    from chroma_cpp._beyond import BeyondChromadb

    stubs = stub_classes("client.pyi")["Collection"]
    assert public(vars(BeyondChromadb)) == public(stubs)
    for name, stub in stubs.items():
        member = inspect.getattr_static(BeyondChromadb, name)
        if isinstance(member, property):
            continue
        assert [arg.arg for arg in stub.args.args] == [
            one.name for one in inspect.signature(member).parameters.values()
            if one.kind is not one.VAR_KEYWORD], name


def test_the_engine_has_stubs():
    from chroma_cpp import _native

    stubs = stub_classes("_native.pyi")
    for cls in (_native.Database, _native.Collection):
        assert public(vars(cls)) == set(stubs[cls.__name__]), cls


def test_the_package_has_stubs():
    tree = ast.parse((PACKAGE / "__init__.pyi").read_text("utf-8"))
    named = {node.name for node in tree.body
             if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}
    named |= {alias.asname for node in tree.body if isinstance(node, ast.ImportFrom)
              for alias in node.names}
    assert set(chroma_cpp.__all__) <= named


@pytest.mark.parametrize("late", [False, True], ids=["deferred", "with chromadb"])
def test_every_method_says_what_it_does(late):
    from chroma_cpp import _deferred, client

    home = client if late else _deferred
    for cls in (home.Client, home.Collection):
        for name in own_methods(cls):
            assert inspect.getdoc(getattr(cls, name)), f"{cls.__name__}.{name}"


def test_repr_says_what_a_collection_is():
    with chroma_cpp.EphemeralClient() as client:
        films = client.create_collection("films", embedding_function=None,
                                         configuration={"hnsw": {"space": "cosine"}})
        assert repr(films) == "Collection(name=films, count=0, space=cosine, indexed=empty)"
        films.add(ids=["a"], embeddings=[[1, 2, 3]])
        assert films.wait_until_indexed(timeout=120)
        assert repr(films) == ("Collection(name=films, count=1, dimension=3, space=cosine, "
                               "indexed=100%)")
        client.delete_collection("films")
        assert "unreachable" in repr(films) and "does not exist" in repr(films)
