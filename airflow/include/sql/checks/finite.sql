{column} in ('NaN', 'Infinity', '-Infinity')
