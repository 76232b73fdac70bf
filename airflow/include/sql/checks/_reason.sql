case when ({scope}) and ({broken}) then {reason} end
