"""The one thing that pyproject.toml cannot say: a compiled part that may fail to compile (see media/native).

optional: without a C compiler balie is installed all the same, and forwards with the loops in Python.
"""

from glob import glob

from setuptools import Extension, setup

setup(
    ext_modules=[
        Extension(
            "media.native._batches",
            sorted(glob("media/native/*.c")),
            depends=["media/native/batches.h", "media/native/inside.h"],
            extra_compile_args=["-O3", "-fno-strict-aliasing"],
            optional=True,
        )
    ]
)
