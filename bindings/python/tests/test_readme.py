"""What the README shows is run as it stands there."""

import ast
import contextlib
import inspect
import io
import json
import os
import re
import tempfile
from pathlib import Path

from support import Case

README = Path(__file__).resolve().parent.parent / "README.md"


def blocks() -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", README.read_text(), re.DOTALL | re.MULTILINE)


class Readme(Case):
    async def test_the_code_runs_in_a_notebook(self):
        ready = {"listening": self.custodian.url, "identity": self.custodian.identity}
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "custodian.json").write_text(json.dumps(ready))
            Path(folder, "token").write_text(self.custodian.token("alice") + "\n")
            self.enterContext(contextlib.chdir(folder))
            out = self.enterContext(contextlib.redirect_stdout(io.StringIO()))
            cells = {"__name__": "__main__"}
            self.assertGreaterEqual(len(blocks()), 3)
            for block in blocks():
                code = compile(block, "README.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
                result = eval(code, cells)
                if inspect.isawaitable(result):
                    await result
            os.chdir("/")
        self.assertIn("MATCHES", out.getvalue())
