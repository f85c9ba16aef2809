"""`make history`: the whole CDNOW history, then merges by the hundred while orders keep coming, then the audit."""
