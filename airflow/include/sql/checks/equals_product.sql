{column} <> {product}
