"""The program's home: the folder of config.ini, .env and var/."""

from pathlib import Path
from typing import Final

_CODE: Final = Path(__file__).resolve().parent.parent

#: Beside the code, or the working directory if the program was installed from its wheel, which puts
#: everything into one package (docs/decisions/0044).
HOME: Final = Path.cwd() if (_CODE / "__init__.py").exists() else _CODE
