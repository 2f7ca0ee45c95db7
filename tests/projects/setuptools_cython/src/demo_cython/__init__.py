print('{"error": "no answer, but what the package prints"}')
