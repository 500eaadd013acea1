"""With OnDemand in front and nothing marked, an app behaves as before: Starlette's own tests, and tests of our own."""

import pytest

pytest.register_assert_rewrite("tests.transparent.talking")
