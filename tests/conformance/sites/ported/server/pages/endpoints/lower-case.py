def get(page):
    return "lower"


def all(page):  # noqa: A001 - Astro's case
    return "lower all"
