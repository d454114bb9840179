# Calls operations of vmrest through OpenAPI::Client, which builds its methods from the Swagger document.
# Usage: vmrest-client.pl ADDRESS USER:PASSWORD, with lines of JSON on standard input: [OPERATION, {PARAMETERS}].
# Prints a line for each: [STATUS, BODY].
use Mojo::Base -strict;
use Mojo::JSON qw(decode_json encode_json);
use Mojo::Util 'b64_encode';
use OpenAPI::Client;

my ($address, $login) = @ARGV;
my $client = OpenAPI::Client->new("$address/json/swagger.json", base_url => "$address/api");
$client->ua->inactivity_timeout(120);
$client->ua->on(
  start => sub {
    my (undef, $transaction) = @_;
    my $headers = $transaction->req->headers;
    $headers->authorization('Basic ' . b64_encode($login, ''));
    $headers->content_type('application/vnd.vmware.vmw.rest-v1+json');
  }
);

while (my $line = <STDIN>) {
  my ($operation, $parameters) = @{decode_json $line};
  my $answer = $client->call($operation, $parameters)->res;
  STDOUT->say(encode_json [0 + $answer->code, $answer->json]);
  STDOUT->flush;
}
