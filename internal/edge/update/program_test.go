package update_test

// asProgram says whether this process is to be a program under test.
func asProgram() (code int, is bool) { return 0, false }
