setInterval(() => undefined, 1e9);
