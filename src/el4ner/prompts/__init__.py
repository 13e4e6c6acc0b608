"""How members are asked: a folder a style, a file a question. `style` fills them in, `replies` reads answers."""
