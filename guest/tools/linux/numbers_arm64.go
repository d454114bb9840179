package linux

const (
	numberMemfdCreate = 279
	numberRenameat2   = 276
)
