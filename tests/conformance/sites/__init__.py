"""The pages of the HTTP cases, and how their cases are sent and compared.

`ported/NAME/` is sites/NAME of the data as a project of its own, of page files; `server.py` and `proxy.py` are FastAPI apps that
are wrapped, `server_in_code.py` has the functions of the former as pages of our own. A case is sent to each port that has its
pages (`ports.py`), and must hold on all of them.

`serving.py` builds and serves, `wire.py` speaks HTTP, `comparing.py` finds differences, `running.py` puts it together. Which
differences are meant: `decisions.py`, `page_decisions.py`, `file_decisions.py`.
"""
