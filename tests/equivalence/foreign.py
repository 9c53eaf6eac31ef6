"""Run a kernel on a different kind of processor: its code, its memory, and its entry point.

No C compiler or C library is used: what the kernel needs from them is here in LLVM's language.
"""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
import numpy as np

from noisynames.training.compiled.building import ENTRY, machine_code
from noisynames.training.compiled.engine import CompiledEngine
from noisynames.training.compiled.interface import COUNTS, MEMORY, TRAIN
from noisynames.training.compiled.webassembly import FEATURES, LIBRARY

TRIPLES = {
    "aarch64": ("aarch64-unknown-linux-gnu", "", ""),
    "wasm32": ("wasm32-unknown-unknown", "", FEATURES),
}
RESULTS = ("weights", "losses")
Arrays = Mapping[str, np.ndarray]

# LLVM's assembler is missing for other processors, so Linux is called by these instructions:
# mov x8, x0; mov x0, x1; mov x1, x2; mov x2, x3; svc 0; ret.
CALL_LINUX = (0xAA0003E8, 0xAA0103E0, 0xAA0203E1, 0xAA0303E2, 0xD4000001, 0xD65F03C0)
LINUX = """
define void @_start() #0 {
  call void @run()
{writes}
  call i64 @call_linux(i64 93, i64 0, i64 0, i64 0)
  unreachable }
"""
WRITE = "  call i64 @call_linux(i64 64, i64 1, i64 ptrtoint (ptr @{name} to i64), i64 {size})"
IN_NODE = """
const fs = require('fs');
WebAssembly.instantiate(fs.readFileSync(process.argv[2])).then(({instance: {exports: e}}) => {
  e.run();
  for (const [name, size] of JSON.parse(process.argv[3]))
    fs.writeSync(1, new Uint8Array(e.memory.buffer, e[name].value, size));
});
"""


def _global(name: str, content: bytes) -> str:
    text = "".join(f"\\{byte:02x}" for byte in content)
    return f'@{name} = global [{len(content)} x i8] c"{text}", align 64\n'


def machine_for(target: str) -> Any:
    """Return LLVM's description of a different kind of processor."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    triple, cpu, features = TRIPLES[target]
    return llvm.Target.from_triple(triple).create_target_machine(
        cpu=cpu, features=features, opt=3, reloc="static"
    )


def program(code: str, memory: Arrays, counts: Mapping[str, int], ends: str) -> str:
    """Return a kernel with its memory and a function `run` that calls it, in LLVM's language."""
    addresses = "".join(
        f"  store i64 ptrtoint (ptr @{name} to i64),"
        f" ptr getelementptr (i64, ptr @addresses, i64 {i})\n"
        for i, name in enumerate(MEMORY)
    )
    numbers = np.array([counts[name] for name in COUNTS], np.int64)
    return (
        code
        + _global("call_linux", np.array(CALL_LINUX, "<u4").tobytes())
        + "".join(_global(name, memory[name].tobytes() or b"\0") for name in MEMORY)
        + _global("numbers", numbers.tobytes())
        + _global("unused", bytes(16))
        + _global("addresses", bytes(8 * len(MEMORY)))
        + "define void @run() #0 {\n"
        + addresses
        + f"  call i32 @{ENTRY}(ptr @unused, ptr @unused, i64 ptrtoint (ptr @addresses to i64),"
        + " i64 ptrtoint (ptr @numbers to i64))\n  ret void }\n"
        + LIBRARY
        + ends
    )


def trained_elsewhere(
    target: str, code: str, engine: CompiledEngine, examples: Any, folder: Path
) -> Arrays:
    """Return the weights, as the engine keeps them, and the losses of training on a processor."""
    memory, counts = engine.call_of(TRAIN, examples, losses=np.zeros(len(examples), np.float32),
                                    guesses=np.zeros(len(examples), np.int64))  # fmt: skip
    sizes = [(name, memory[name].nbytes) for name in RESULTS]
    on_linux = target == "aarch64"
    writes = "\n".join(WRITE.format(name=name, size=size) for name, size in sizes)
    text = program(code, memory, counts, LINUX.replace("{writes}", writes) if on_linux else "")
    part, whole = folder / "kernel.o", folder / "kernel.out"
    part.write_bytes(machine_code(text, machine_for(target)))
    if on_linux:
        subprocess.run(["ld.lld", "-static", "--omagic", part, "-o", whole], check=True)
        command = ["qemu-aarch64", str(whole)]
    else:
        exported = [f"--export={name}" for name in ("run", *RESULTS)]
        subprocess.run(["wasm-ld", "--no-entry", *exported, part, "-o", whole], check=True)
        script = folder / "run.js"
        script.write_text(IN_NODE)
        command = ["node", str(script), str(whole), json.dumps(sizes)]
    output = subprocess.run(command, check=True, capture_output=True).stdout
    results, begin = {}, 0
    for name, size in sizes:
        results[name] = np.frombuffer(output[begin : begin + size], np.float32)
        begin += size
    assert begin == len(output)
    return results
