package tensorfile

func sum256(data []byte) [32]byte { return sum256Generic(data) }
