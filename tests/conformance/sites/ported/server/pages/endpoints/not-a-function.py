GET = "text"
