package linux

const (
	numberMemfdCreate = 319
	numberRenameat2   = 316
)
