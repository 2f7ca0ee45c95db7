"""Build inputs for people."""

from __future__ import annotations

from collections.abc import Iterator

from backend_shim.record.build_inputs import BuildInputs


def inputs_text(inputs: BuildInputs | None) -> Iterator[str]:
    """What `inputs` say, line by line."""
    if inputs is None:
        yield "no usable build inputs"
        return
    tag = f" build {inputs.build_tag}" if inputs.build_tag else ""
    yield f"built: {inputs.name} {inputs.version}{tag}"
    version = f" {inputs.backend.version}" if inputs.backend.version else ""
    yield f"  backend {inputs.backend.name}{version}"
    interpreter = inputs.interpreter
    yield f"  for {interpreter.cache_tag or interpreter.implementation} on {interpreter.platform}"
    tools = inputs.toolchain
    for tool in (tools.c_compiler, tools.cxx_compiler, tools.linker) if tools else ():
        if tool is not None:
            yield f"  with {tool.version}"
    for setting, value in inputs.config_settings:
        yield f"  setting {setting}={value if isinstance(value, str) else ' '.join(value)}"
    for variable, text in inputs.environment:
        yield f"  {variable}={text}"
    for patch in inputs.patches:
        yield f"  patch {patch.name} sha256:{patch.sha256[:16]}"
    for requirement in inputs.requirements:
        yield f"  {requirement.name}=={requirement.version}"
