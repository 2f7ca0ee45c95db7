"""Writes a wheel with a member name that must be quoted and no compression."""

import base64
import hashlib
import os
import zipfile

INFO = "demo_odd_backend-1.0.dist-info"
FILES = {
    "demo_odd_backend.py": "__version__ = '1.0'\n",
    'demo_odd_data/a, "b" é.txt': "odd\n",
    f"{INFO}/METADATA": "Metadata-Version: 2.1\nName: demo-odd-backend\nVersion: 1.0\n",
    f"{INFO}/WHEEL": "Wheel-Version: 1.0\nGenerator: odd\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
}


def write(directory):
    name = "demo_odd_backend-1.0-py3-none-any.whl"
    rows = []
    with zipfile.ZipFile(os.path.join(directory, name), "w") as archive:
        for path, text in FILES.items():
            data = text.encode()
            archive.writestr(zipfile.ZipInfo(path, (2020, 2, 2, 0, 0, 0)), data)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            quoted = '"' + path.replace('"', '""') + '"'
            rows.append(f"{quoted},sha256={digest},{len(data)}\n")
        record = zipfile.ZipInfo(f"{INFO}/RECORD", (2020, 2, 2, 0, 0, 0))
        archive.writestr(record, "".join(rows) + f"{INFO}/RECORD,,\n")
    return name


def prepare(directory):
    os.mkdir(os.path.join(directory, INFO))
    with open(os.path.join(directory, INFO, "METADATA"), "w") as file:
        file.write(FILES[f"{INFO}/METADATA"])
    return INFO
