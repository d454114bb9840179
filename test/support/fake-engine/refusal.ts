/** An error that a fake engine answers a command with. */
export class Refusal extends Error {
  readonly errorClass: string;

  constructor(description: string, errorClass = 'GenericError') {
    super(description);
    this.errorClass = errorClass;
  }
}
