/** The version of this program, as package.json has it (a test compares them). A constant, so that nothing is read to tell it. */
export const version = '0.1.0';
