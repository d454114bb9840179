/** The version of Kame, the same as in package.json (a test compares them). A constant saves reading a file. */
export const version = '0.1.0';
