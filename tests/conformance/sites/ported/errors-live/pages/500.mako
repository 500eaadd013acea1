<%!
def frontmatter(page):
    error = page.props.get("error")
    page.response.headers["X-Error-Page"] = "500"
    return {"message": str(error) if isinstance(error, Exception) else f"not an error: {error}"}
%>\
<!DOCTYPE html><html><body><h1>Sorry: ${message}</h1><p>${page.url.pathname}</p></body></html>\
