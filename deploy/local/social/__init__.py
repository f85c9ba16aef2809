"""A local OpenID provider that stands in the place of Google and Facebook."""
